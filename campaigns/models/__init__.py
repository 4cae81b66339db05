from campaigns.models.campaigns import Campaign, CampaignVersion, Enrollment
from campaigns.models.delivery import Channel, DeliveryPolicy, Suppression
from campaigns.models.messages import Decision, MessageContent, MessageIntent
from campaigns.models.templates import Template, TemplateVersion

__all__ = [
    "Campaign",
    "CampaignVersion",
    "Channel",
    "Decision",
    "DeliveryPolicy",
    "Enrollment",
    "MessageContent",
    "MessageIntent",
    "Suppression",
    "Template",
    "TemplateVersion",
]
